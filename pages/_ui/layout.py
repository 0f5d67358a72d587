"""Layout of a page: start through app.py, touch targets, rows of controls that fold, containers of fixed height, text forms."""

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit import runtime
from streamlit.delta_generator import DeltaGenerator
from streamlit.navigation.page import StreamlitPage as Page
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages._ui.link import is_reopened, is_unread, link, linked
from pages._ui.paper import print_link
from pages._ui.text import plain

# Part of the page: a file would be read, stored and given a reference at every run.
ICON = f"data:image/png;base64,{base64.b64encode(Path(__file__).with_name('icon.png').read_bytes()).decode()}"
TOUCH = """<style>
@media (max-width: 640px), (pointer: coarse) {
  [data-testid=stMain] :is(
    [data-testid^=stBaseButton]:not([data-testid$=Toolbar]), [data-testid=stPopoverButton], [data-testid=stButtonGroup] button,
    [data-testid=stExpander] summary, [data-testid=stTextInputRootElement], [data-testid=stNumberInputContainer],
    [data-testid=stSelectbox] div:has(> input)
  ) { min-height: 44px; }
}
/* Where nothing hovers a table's tools always stand above it, 44 pixels high, 16 of which are the gap between elements. */
@media (hover: none) { [data-testid=stElementContainer]:has([data-testid=stDataFrame]) { padding-top: 28px; } }
/* Streamlit's colours of code are too pale to be read on its ground. */
[data-testid=stCode] .token { color: inherit !important; }
[data-testid=stCode] .token.keyword { font-weight: 600; }
/* Under the mouse a button without a frame takes a shade of the first colour that is too dark to be read on a dark ground. */
[kind=tertiary]:is(:hover, :active) { color: inherit !important; text-decoration: underline; }
/* Eleven panels of a page stand in one row of 1,120 pixels. */
[data-testid=stMain] [data-testid=stButtonGroup] button { padding-inline: 12px; }
.st-key-accessible, [data-testid=stElementContainer]:has(> .st-key-accessible) { display: none; }
</style>"""
MENU = """<style>
.st-key-address { display: none; }
@media print { .st-key-next { display: none; } }
@media (min-width: 769px) { .st-key-menu { display: none; } }
@media (max-width: 768px) {
  .st-key-menu { position: fixed; top: 8px; left: 12px; z-index: 999991; width: auto; }
  [data-testid=stExpandSidebarButton], [data-testid=stSidebar] { display: none; }
  [data-testid=stPopoverBody] [data-testid=stPageLink-NavLink] { min-height: 44px; }
}
</style>"""
# The list of pages of a wide screen shows its groups; the one that holds the current page names it.
HERE = """<style>
[data-testid=stTopNav] .rc-overflow-item:nth-child({position}) p {{ font-weight: 650; }}
[data-testid=stTopNav] .rc-overflow-item:nth-child({position}) p::after {{ content: "{name}"; }}
</style>"""
# The server cannot know the width, so both are sent and the style sheet hides one.
FOLDING = """<style>
@media (max-width: 640px) {{ .st-key-{page}-folded {{ display: none; }} }}
@media (min-width: 641px) {{ .st-key-{page}-change {{ display: none; }} }}
</style>"""


def through_app() -> None:
    """Run app.py if a page was opened without it.

    Until a server has called `st.navigation` once, Streamlit takes a folder named pages for a multipage app of its older
    kind and opens a linked page alone, in a narrow column beside a list of file names.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()


@st.fragment
def body(page: Page) -> None:
    """Run a page. A gesture on it runs it alone, without the navigation, menus and style sheets around it."""
    context = get_script_run_ctx()
    if context is not None and context.fragment_ids_this_run:
        # What a whole run does: files that the page shows no longer, as those of earlier downloads, are dropped.
        runtime.get_instance().media_file_mgr.clear_session_refs()
        page._can_be_called = True
    page.run()
    print_link()


def touchable() -> None:
    """Make buttons and fields at least 44 pixels high on touch screens, on every page."""
    st.html(TOUCH)


def menu(groups: Mapping[str, Sequence[Page]], page: Page) -> None:
    """Say in the list of pages which one is shown; on a screen of 768 pixels or less, the list is behind a button that names the page.

    Streamlit's own list names only the groups; its button on a narrow screen has no name, and its list stays open over the page.
    """
    st.html(MENU)
    st.html(here(groups, page))
    # A key for each page: on another page it is another popover, which is closed.
    with st.container(key="menu"), st.popover(f"Menu: {page.title}", icon=":material/menu:", key=f"menu.{page.url_path}"):
        for group, pages in groups.items():
            if group:
                st.caption(group)
            for other in pages:
                st.page_link(other)


def here(groups: Mapping[str, Sequence[Page]], page: Page) -> str:
    """Style that names the current page beside its group in the list of pages; pages without a group stand there themselves."""
    position = 1
    for group, pages in groups.items():
        if page in pages:
            is_named = not group or group == page.title
            return HERE.format(position=position if group else position + pages.index(page), name="" if is_named else f": {page.title}")
        position += 1 if group else len(pages)
    return ""


def next_page(course: Sequence[Page], page: Page) -> None:
    """A link to the page that comes next in the course; after the last one, to the first."""
    following = course[(course.index(page) + 1) % len(course)]
    with st.container(key="next", horizontal_alignment="right"):
        st.page_link(following, label=f"Next: {following.title}", icon=":material/arrow_forward:", icon_position="right")


@contextmanager
def folding(page: str) -> Iterator[None]:
    """A row of widgets that a screen of 640 pixels or less hides behind a button "Change".

    Args:
        page: Prefix of the keys of the page's widgets.
    """
    is_open = st.session_state.setdefault(f"{page}.open", False)
    st.button("Change", key=f"{page}.change", icon=":material/tune:", on_click=_fold, args=(page,))
    key = f"{page}.{'open' if is_open else 'folded'}"
    with st.container(key=key, horizontal=True, vertical_alignment="center", gap="small", width="content"):
        yield
    st.html(FOLDING.format(page=page))


def _fold(page: str) -> None:
    st.session_state[f"{page}.open"] = not st.session_state[f"{page}.open"]


def still(key: str, wide: int, narrow: int, **options: Any) -> DeltaGenerator:
    """A container of minimum height: a sentence that comes late or grows longer moves nothing below it.

    Args:
        key: Of the container, without dots.
        wide, narrow: Minimum height on a wide and on a narrow screen, pixels.
        options: As for `st.container`.
    """
    at = f".st-key-{key}"
    css = f"{at} {{ min-height: {wide}px; }} {at} > :first-child {{ display: none; }}"
    css += f"@media (max-width: 640px) {{ {at} {{ min-height: {narrow}px; }} }}"
    frame = st.container(key=key, **options)
    frame.html(f"<style>{css}</style><i></i>")  # Streamlit leaves out a container that holds nothing but a style
    return frame


def bound(key: str) -> dict[str, Any]:
    """Options that keep a widget's value in the link; its label is for screen readers only."""
    return {"key": key, "bind": "query-params", "label_visibility": "collapsed"}


def select(label: str, options: Sequence[str], key: str, width: int, index: int = 0, **more: Any) -> str:
    """A list of choices kept in the link; a choice that does not exist here, as of another network, becomes the default.

    Args:
        label, options: Of the list.
        key: `page.thing`, its name in the link.
        width: In pixels.
        index: Of the default.
        more: As for `st.selectbox`, before what `bound` says.
    """
    if key in st.session_state and st.session_state[key] not in options and not is_reopened():
        # Set here, or the browser would go on showing the old choice.
        st.session_state[key], index = options[index], 0
    return st.selectbox(label, options, index, width=width, **bound(key) | more)


def select_named(label: str, names: Mapping[str, str], key: str, width: int, **more: Any) -> str:
    """A list of choices whose names on screen may change: the link keeps the value of each choice.

    Args:
        label: Of the list, for screen readers.
        names: Value in the link -> name on screen; the first is the default.
        key: `page.thing`, its name in the link.
        width: In pixels.
        more: As for `st.selectbox`.
    """
    state, default = st.session_state, next(iter(names))
    if is_unread(key):
        state[key] = linked(key, default)
    if state[key] not in names:
        state[key] = default
    options = {"key": key, "width": width, "label_visibility": "collapsed", "persist_state": "session"}
    chosen = st.selectbox(label, list(names), format_func=names.__getitem__, **options | more)
    link(key, chosen, default)
    return chosen


def text_form(page: str, text: str, most: int, read: Callable[[str | None], None], form: str = "text_form", height: int = 200) -> None:
    """A field for the visitor's own text, and a button back to the example; placed in a popover.

    Args:
        page: Prefix of the keys of the page's widgets.
        text: The current text.
        most: Maximum number of characters.
        read: Called with the new text, or with None for the example.
        form: Name of the form's key.
        height: Of the field, pixels.
    """
    draft = f"{page}.draft"
    with st.form(f"{page}.{form}", border=False):
        # Filled at each run: a button or a link may have changed the text.
        st.session_state[draft] = text
        st.text_area(f"Type or paste a text, up to {most:,} characters", key=draft, height=height, max_chars=most)
        st.form_submit_button("Read it", on_click=lambda: read(st.session_state[draft]))
    st.button("Back to the example", key=f"{page}.example", on_click=read, args=(None,))


def try_another(page: str, tries: Iterable[tuple[str, str]], choose: Callable[[str | None], None]) -> None:
    """A popover of other examples, each with a hint what it shows, and a button back to the first one; drawn when it is opened.

    Args:
        page: Prefix of the keys of the page's widgets.
        tries: Examples and their hints.
        choose: Called with the chosen example, or with None for the first.
    """
    with st.popover("Try another", icon=":material/lightbulb:", width="content", key=f"{page}.tries", on_change="rerun") as menu:
        if not menu.open:
            return
        for index, (what, why) in enumerate(tries):
            st.button(plain(what), key=f"{page}.try.{index}", help=plain(why), on_click=choose, args=(what,), width="stretch")
        st.button("Back to the first", key=f"{page}.back", on_click=choose, args=(None,), icon=":material/undo:")
