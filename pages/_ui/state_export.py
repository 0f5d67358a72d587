"""Files of a state view: the picture as it is on screen, with its looks, cursor and selection, and its values."""

from collections.abc import Callable
from dataclasses import replace

from explorer.figures.export import svg_to_pdf, svg_to_png
from explorer.figures.states import StateFigure
from pages._components.state_view import StateChoice
from pages._ui.show import is_dark, save_menu

LONGEST = 2_000  # characters of a PNG or PDF: drawing takes a millisecond for each; a longer text is drawn around its cursor


def kinds_of(figure: StateFigure, choice: StateChoice) -> list[tuple[str, Callable[[], bytes], str]]:
    """What a state view can be saved as: name, what makes it, type of the file.

    Args:
        figure: The figure.
        choice: What the visitor chose in it.
    """
    figure = replace(figure, unit=choice.unit, cursor=choice.cursor, alone=choice.alone)
    shown = {"dark": is_dark(), "looks": choice.looks, "selection": choice.selection}
    whole = figure.inputs is not None  # lines of numbers are thinned to the pixels there are
    picture = lambda: (figure if whole else figure.around(choice.cursor, LONGEST)).to_svg(**shown)  # noqa: E731
    return [
        ("SVG", lambda: figure.to_svg(**shown).encode(), "image/svg+xml"),
        ("PNG", lambda: svg_to_png(picture()), "image/png"),
        ("PDF", lambda: svg_to_pdf(picture()), "application/pdf"),
        ("HTML", lambda: figure.to_html(**shown).encode(), "text/html"),
        ("CSV", lambda: figure.to_frame().to_csv(index=False).encode(), "text/csv"),
    ]


def save_states(figure: StateFigure, choice: StateChoice, key: str, name: str) -> None:
    """The Save menu of a state view.

    Args:
        figure, choice: As for `kinds_of`.
        key: Of the view.
        name: Name of the files.
    """
    save_menu(kinds_of(figure, choice), key, name)
