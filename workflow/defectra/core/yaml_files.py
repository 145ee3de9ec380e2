"""YAML as people write it: no aliases, no key twice."""

from __future__ import annotations

from typing import Any

import yaml


class Plain(yaml.SafeLoader):
    """Loader that refuses aliases (a few lines unfold to more than memory holds) and doubles."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse an alias, read anything else."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.MarkedYAMLError(problem="aliases (*name) are not allowed", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Refuse a key that is given twice: of two lines one would not count."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen if isinstance(key, yaml.ScalarNode) else False:
                problem = f"key {key.value!r} is given twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep=deep)
