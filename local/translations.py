"""`make translations`: the words of pages, mails and problems, from the sources into the .po files
(which people translate) and from there into the .mo files (which the functions read). The names of
countries nobody need translate: countries.py."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from local.site import PATH, ROOT

_ALWAYS = datetime(2026, 1, 1, tzinfo=UTC)  # else the same words compile to other bytes each day

LANGUAGES = ("fr", "es")  # English is what the source says
_JINJA = {"trimmed": "true", "silent": "false"}


class Domain:
    """One set of words: where they stand in the sources, where their translations live."""

    def __init__(self, name: str, folder: str, sources: str, pattern: str, method: str) -> None:
        self.name, self.pattern, self.method = name, pattern, method
        self.locales = ROOT / folder / "locales"
        self.sources = ROOT / folder / sources

    def po(self, language: str) -> Path:
        return self.locales / language / "LC_MESSAGES" / f"{self.name}.po"

    def extracted(self) -> Catalog:
        """What the sources say, as a template without places or dates (they only make noise)."""
        catalog = Catalog(project="Foyer", charset="utf-8")
        found = extract_from_dir(
            str(self.sources),
            [(self.pattern, self.method)],
            {self.pattern: _JINJA if "jinja" in self.method else {}},
        )
        for _, _, message, comments, context in found:
            catalog.add(message, auto_comments=comments, context=context)
        return catalog

    def translated(self, language: str) -> Catalog:
        with self.po(language).open("rb") as file:
            return read_po(file, locale=language, domain=self.name)


DOMAINS = (
    Domain("problems", "layers/foyer/foyer/web", ".", "problems.py", "python"),
    Domain("pages", "functions/pages", "templates", "**.html", "jinja2.ext.babel_extract"),
    Domain("mails", "functions/mailer", "templates", "**.*", "jinja2.ext.babel_extract"),
)


def compiled(catalog: Catalog) -> bytes:
    buffer = BytesIO()
    catalog.creation_date = catalog.revision_date = _ALWAYS
    write_mo(buffer, catalog)
    return buffer.getvalue()


def missing() -> Iterator[str]:
    """What keeps a page or mail from being wholly in its language, or a .mo from being current."""
    for domain in DOMAINS:
        source = domain.extracted()
        for language in LANGUAGES:
            catalog = domain.translated(language)
            where = f"{domain.name}.po ({language})"
            for message in source:
                known = catalog.get(message.id, message.context) if message.id else None
                if message.id and known is None:
                    yield f"{where} lacks {message.id!r}"
                elif known is not None and (known.fuzzy or not _whole(known.string)):
                    yield f"{where} does not translate {message.id!r}"
            if domain.po(language).with_suffix(".mo").read_bytes() != compiled(catalog):
                yield f"{where}: its .mo is not current"


def _whole(string: str | list[str] | tuple[str, ...] | None) -> bool:
    return all(string) if isinstance(string, list | tuple) else bool(string)


def update() -> None:
    for domain in DOMAINS:
        source = domain.extracted()
        for language in LANGUAGES:
            po = domain.po(language)
            po.parent.mkdir(parents=True, exist_ok=True)
            catalog = domain.translated(language) if po.exists() else Catalog(locale=language)
            catalog.update(source, no_fuzzy_matching=True)
            catalog.obsolete.clear()
            with po.open("wb") as file:
                write_po(file, catalog, width=100, omit_header=False, no_location=True)
            _without_dates(po)
            po.with_suffix(".mo").write_bytes(compiled(domain.translated(language)))


def _without_dates(po: Path) -> None:
    lines = po.read_text(encoding="utf-8").splitlines(keepends=True)
    noise = (
        '"POT-Creation-Date',
        '"PO-Revision-Date',
        '"Generated-By',
        '"Last-Translator',
        '"Language-Team',
        '"Report-Msgid-Bugs-To',
        "#",
    )
    po.write_text("".join(li for li in lines if not li.startswith(noise)), encoding="utf-8")


def main() -> int:
    sys.path[0:0] = PATH
    from local import countries

    countries.update()
    update()
    problems = list(missing())
    print("\n".join(problems) or "all words are translated and compiled")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
