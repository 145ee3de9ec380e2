"""Hook of MkDocs: pages that lie beside the code; links that hold on the site as in the files.

A link of a page to a file that is no page of the site becomes plain text, its path; one to a page
leads there; one to a file that does not exist is left, so that ``mkdocs build --strict`` fails.
"""

import os
import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
STUDIES = "workflow/defectra/studies"
# Page of the site -> file of the repository, beside those of docs/ and one README for each study.
PAGES = {
    "index.md": "README.md",
    "config.md": "config/README.md",
    "engines.md": "workflow/defectra/engines/README.md",
    "archive.md": "resources/archive/README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
}
FIGURES = "benchmarks/figures"  # pictures that pages show, on the site below figures/
LINK = re.compile(r"(!?)\[((?:`[^`]*`|[^\[\]`])*)\]\(([^()\s]+)\)")
CODE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def pages():
    """Files of the repository by their page on the site."""
    studies = sorted((ROOT / STUDIES).glob("[!_]*/README.md"))
    own = {f"studies/{path.parent.name}.md": str(path.relative_to(ROOT)) for path in studies}
    docs = {path.name: f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))}
    return {**docs, **PAGES, **own}


def on_config(config):
    """Add the studies to the navigation."""
    studies = [page for page in pages() if page.startswith("studies/")]
    config.nav = [*config.nav, {"Studies": studies}]
    return config


def on_files(files, config):
    """Add the pages that do not lie in docs/."""
    for page, source in pages().items():
        if not source.startswith("docs/"):
            files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    for figure in sorted((ROOT / FIGURES).glob("*.png")):
        name = f"figures/{figure.name}"
        files.append(File.generated(config, name, abs_src_path=str(figure)))
    return files


def on_page_markdown(markdown, page, config, files):  # noqa: ARG001
    """Rewrite links from where the file lies to where the page lies."""
    here = page.file.src_uri
    known = pages()
    source = known[here]
    of_file = {file: uri for uri, file in known.items()}
    blocks = [match.span() for match in CODE.finditer(markdown)]

    def rewritten(match):
        if any(start <= match.start() < end for start, end in blocks):
            return match.group(0)
        image, text, target = match.groups()
        path, _, anchor = target.partition("#")
        if not path or ":" in path:
            return match.group(0)
        file = os.path.normpath(Path(source).parent / path)
        if not (ROOT / file).exists():
            return match.group(0)
        if file in of_file or image or file.startswith("docs/"):
            uri = of_file.get(file, file.removeprefix("docs/").replace(FIGURES, "figures"))
            link = os.path.relpath(uri, Path(here).parent)
            return f"{image}[{text}]({link}{'#' + anchor if anchor else ''})"
        return text if text.strip("`") == file else f"{text} (`{file}`)"

    return LINK.sub(rewritten, markdown)
