"""What a reader reads of an HTML page: what is seen, but for menus and buttons, which every page repeats."""

import re
from collections import Counter
from html.parser import HTMLParser


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_UNSEEN = _words("script style template noscript iframe object svg math canvas select textarea nav button")
_VOID = _words("area base br col embed hr img input link meta param source track wbr")
_BLOCKS = _words(
    "address article aside blockquote body br dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 "
    "h5 h6 head header hr html legend li main ol p pre section summary table tbody tfoot thead title tr ul"
)
_CELLS = _words("td th")
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_SPACES = re.compile(r"\s+")


def visible_text(html: str) -> str:
    """A page's text without scripts, menus and what is hidden; blocks on lines of their own, `<pre>` as it is."""
    page = _Page()
    page.feed(_ended(html))
    page.close()
    return re.sub(r"\n{3,}", "\n\n", "".join(page.parts)).strip()


def _ended(html: str) -> str:
    """Without the comment or the tag that a page ends in: browsers show neither, and the parser looks for the end of
    each anew from each place that could begin one, which took minutes."""
    if (begin := html.find("<!--", html.rfind("-->") + 1)) >= 0:
        html = html[:begin]
    begin = html.find("<", html.rfind(">") + 1)
    return html if begin < 0 else html[:begin]


class _Page(HTMLParser):
    """Gathers text. Elements that are not seen are left by the end tag that matches their start."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._within: list[str] = []  # elements since the one that is not seen, it first
        self._open = Counter[str]()  # of these, how many
        self._pre = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._within or _is_hidden(tag, dict(attrs)):
            if tag not in _VOID:
                self._within.append(tag)
                self._open[tag] += 1
            return
        self._pre += tag == "pre"
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._within:
            ended = "" if self._open[tag] else tag
            while ended != tag:  # ends what was left open in it, too
                ended = self._within.pop()
                self._open[ended] -= 1
            return
        self._pre = max(0, self._pre - (tag == "pre"))
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if self._within:
            return
        if not self._pre:
            data = _SPACES.sub(" ", data)
            if not self.parts or self.parts[-1].endswith((" ", "\n", "\t")):
                data = data.lstrip()
        if data:
            self.parts.append(data)

    def _break(self, tag: str) -> None:
        if not self.parts:
            return
        if tag in _CELLS and not self.parts[-1].endswith(("\n", "\t")):
            self.parts.append("\t")
        elif tag in _BLOCKS:
            self.parts.append("\n" if tag in ("br", "li", "tr", "dt", "dd") else "\n\n")


def _is_hidden(tag: str, attributes: dict[str, str | None]) -> bool:
    if tag in _UNSEEN or "hidden" in attributes:
        return tag not in _VOID
    return tag not in _VOID and bool(_HIDDEN_STYLE.search(attributes.get("style") or ""))
