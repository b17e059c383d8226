"""A template that cannot be served is refused in one clear sentence."""

import shutil
from pathlib import Path

import pytest

from local.site import ROOT
from local.template import BrokenTemplate, load

TEXT = (ROOT / "template.yaml").read_text()


def test_the_template_that_ships_is_understood() -> None:
    template = load(ROOT / "template.yaml", {"SiteUrl": "https://x.example"})
    assert template.functions["CartFunction"].environment["SITE_URL"] == "https://x.example"
    assert template.functions["CartFunction"].environment["TABLE_NAME"] == "Table"
    assert template.default == "PagesFunction"
    (route,) = [r for r in template.routes if r.method == "PATCH" and "/cart/" in r.path]
    assert route.match("/v1/cart/lines/abc") == {"line_id": "abc"}
    assert route.match("/v1/cart/lines/") is None
    assert route.match("/v1/cart/lines/a/b") is None


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("Resources:", "Resources: [", "template.yaml, line .* is no YAML"),
        (TEXT, "", "template.yaml is empty"),
        ("Resources:", "Things:", "template.yaml lacks something we need: .*Resources"),
        ("functions/cart/", "functions/kart/", "CartFunction wants functions/kart/app.py"),
        ("!Ref Table\n", "!Ref Tabel\n", "nothing is called Tabel"),
        ("rate(15 minutes)", "cron(0 * * * ? *)", "does not know 'cron"),
        ("Type: ScheduleV2", "Type: S3", "MailerFunction has an event of type S3"),
        ("Properties: { ApiId: !Ref Api } }", "Properties: { ApiId: !Ref Api, Method: GET, Path: /x"
         " } }", "no function has the .default route"),
    ],
)  # fmt: skip
def test_what_is_broken_is_named(tmp_path: Path, before: str, after: str, sentence: str) -> None:
    assert before in TEXT
    for name in (path.parent.name for path in (ROOT / "functions").glob("*/app.py")):
        (tmp_path / "functions" / name).mkdir(parents=True)
        shutil.copy(ROOT / "functions" / name / "app.py", tmp_path / "functions" / name)
    (tmp_path / "template.yaml").write_text(TEXT.replace(before, after, 1))
    with pytest.raises(BrokenTemplate, match=sentence):
        load(tmp_path / "template.yaml", {})


def test_a_template_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BrokenTemplate, match="cannot be read"):
        load(tmp_path / "template.yaml", {})
