"""YAML as people write it: no aliases, no key twice.

Where PyYAML was built with libyaml, the text is parsed by it, five times faster; nodes and values
are made by PyYAML's own classes either way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

if TYPE_CHECKING or not yaml.__with_libyaml__:
    _Loader = yaml.SafeLoader
else:
    from yaml.cyaml import CParser

    class _Loader(Composer, CParser, SafeConstructor, Resolver):
        """Events of libyaml; nodes and values as of `yaml.SafeLoader`."""

        def __init__(self, stream: Any) -> None:
            CParser.__init__(self, stream)
            for base in (Composer, SafeConstructor, Resolver):
                base.__init__(self)


def why_no_yaml(error: Exception) -> str:
    """What is wrong with a text, in a line, without the parser's name for it."""
    return " ".join(str(error).replace('in "<unicode string>", ', "in ").split())


class Plain(_Loader):
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
