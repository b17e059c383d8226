"""How a site was deployed: the languages it offers, the address it lives at."""

import re
from collections.abc import Callable, Iterator

import pytest

from local.gateway import Gateway
from local.site import Site
from tests import calls
from tests.visiting import Browser, said

Deploy = Callable[..., None]
FRENCH_FIRST = "fr,en"


@pytest.fixture
def deploy(site: Site) -> Iterator[Deploy]:
    """As if with other parameters: nothing a container keeps is left."""
    with pytest.MonkeyPatch.context() as patch:

        def deployed(**environment: str) -> None:
            for name, value in environment.items():
                patch.setenv(name, value)
            site._forget_modules()
            calls.watch(site)

        yield deployed
    site._forget_modules()


@pytest.fixture
def french(site: Site, deploy: Deploy) -> Browser:
    """Of a site that offers French, its own language, and English."""
    deploy(LOCALES=FRENCH_FIRST)
    return Browser(Gateway(site))


def lang(browser: Browser, path: str = "/", **headers: str) -> str:
    found = re.search(r'<html lang="(\w+)"', browser.get(path, **headers).text)
    assert found is not None
    return found[1]


def test_a_site_speaks_the_languages_it_was_deployed_with(french: Browser) -> None:
    assert french.get("/v1/store").json["locales"] == ["fr", "en"]
    assert lang(french, Accept_Language="es") == "fr"
    assert lang(french, Accept_Language="es, en;q=0.5") == "en"
    assert lang(french, "/?lang=es") == "fr"
    page = french.get("/").text
    assert "English" in page
    assert "Español" not in page


def test_a_language_that_is_not_offered_is_refused_and_changes_nothing(french: Browser) -> None:
    french.register("nora@example.com")
    answer = french.send("PATCH", "/v1/account", json={"locale": "es"})
    assert said(answer) == (422, "invalid_input")
    assert answer.json["errors"][0]["pointer"] == "#/locale"
    assert french.send("PATCH", "/v1/account", json={"locale": "en"}).json["locale"] == "en"


def test_whose_language_is_offered_no_more_reads_the_sites_own_and_keeps_what_he_chose(
    browser: Browser, deploy: Deploy
) -> None:
    browser.register("nora@example.com")
    browser.send("PATCH", "/v1/account", json={"locale": "es"})
    assert lang(browser, "/account") == "es"
    deploy(LOCALES=FRENCH_FIRST)
    assert lang(browser, "/account") == "fr"
    assert browser.get("/v1/account").json["locale"] == "es"
    deploy(LOCALES="en,es")
    assert lang(browser, "/account") == "es"


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        (
            "SITE_URL",
            "https://abc.execute-api.eu-west-1.amazonaws.com",
            "browsers keep its cookies",
        ),
        ("SITE_URL", "https://Accounts.example.com", "in lower case"),
        ("SITE_URL", "http://accounts.example.com", "must be https"),
        ("LOCALES", "en,de", "LOCALES names 'de': there are words in en, fr, es alone"),
        ("LOCALES", "", "LOCALES names ''"),
    ],
)
@pytest.mark.parametrize("function", ["SessionFunction", "MailerFunction"])
def test_what_cannot_work_is_said_at_start(
    site: Site, deploy: Deploy, function: str, variable: str, value: str, told: str
) -> None:
    deploy(**{variable: value})
    module = site.template.functions[function].module
    with pytest.raises(ValueError, match=re.escape(told)) as broken:
        site.module(module)
    assert type(broken.value).__name__ == "BrokenSettings"
