"""What mails and lists call a browser by. The header is whatever somebody sent: only names of this
list ever reach a mail (R43), which is why no library that quotes the header reads it."""

# The first that is named wins: most browsers also name the older ones they resemble.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl", "curl"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def name(user_agent: str) -> str:
    """Like "Firefox, Windows"; empty where nothing we know is named."""
    found = (
        next((label for mark, label in known if mark in user_agent), "")
        for known in (_BROWSERS, _SYSTEMS)
    )
    return ", ".join(filter(None, found))
