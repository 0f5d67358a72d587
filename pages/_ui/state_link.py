"""A state view whose choice is in the link: unit, cursor, selected range and looks."""

from dataclasses import replace

import streamlit as st

from explorer.figures.states import LOOKS, StateFigure
from pages._components.state_view import StateChoice, state_choice, state_view
from pages._ui.link import is_unread, link, linked_choices, linked_range, linked_whole, of_range
from pages._ui.state_export import save_states


def linked_state_view(figure: StateFigure, key: str, name: str) -> StateChoice:
    """Draw a state view with its Save menu; what the visitor chooses in it goes into the link, and a link opens it so.

    A choice belongs to one text and one quantity: when the figure is of another, or asks for another unit, it starts anew.

    Args:
        figure: What to draw; its unit and cursor are the defaults, which stay out of the link.
        key: Of the component.
        name: Of the parameters, before `.unit`, `.cursor`, `.selection`, `.looks` and `.alone`.
    """
    state, memory = st.session_state, f"{key}.figure"
    about = (figure.unit, figure.cursor, figure.tokens, figure.quantity)
    start, end = figure.start, figure.start + len(figure.tokens)
    default = StateChoice(figure.unit, figure.cursor or start)
    if is_unread(memory):
        unit, cursor = linked_whole(f"{name}.unit", figure.values.shape[1]), linked_whole(f"{name}.cursor", end)
        looks, selection = linked_choices(f"{name}.looks", LOOKS), linked_range(f"{name}.selection", end)
        alone = None if figure.inputs is None else linked_whole(f"{name}.alone", len(figure.inputs.names))
        chosen = StateChoice(default.unit if unit is None else unit, max(start, cursor or default.cursor), selection, looks, alone)
    else:
        chosen = (state_choice(key) if state[memory] == about else None) or default
    state[memory] = about
    asked = replace(figure, unit=chosen.unit, cursor=chosen.cursor, alone=chosen.alone)
    chosen = state_view(asked, key, looks=chosen.looks, selection=chosen.selection or ())
    link(f"{name}.unit", str(chosen.unit), str(default.unit))
    link(f"{name}.cursor", str(chosen.cursor), str(default.cursor))
    link(f"{name}.selection", of_range(chosen.selection), "")
    link(f"{name}.looks", ",".join(chosen.looks), "")
    if figure.inputs is not None:
        link(f"{name}.alone", "" if chosen.alone is None else str(chosen.alone), "")
    save_states(figure, chosen, key, "states")
    return chosen
