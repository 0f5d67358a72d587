"""What the browser prints of a page: heading, sentence, figure and link, on one sheet."""

from urllib.parse import urlencode

import streamlit as st

LONGEST = 2_000  # characters of a link that are printed
# Streamlit scrolls inside the window, of which a printer sees only what is in sight. Everything that is only pressed goes;
# so does what stands below the row of panels: it is long, and belongs to no figure.
STYLE = """<style>
.st-key-printed-link { display: none; }
@media print {
  @page { size: A4 portrait; margin: 10mm; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  html, body, #root, #root > *, [data-testid=stApp], [data-testid=stAppViewContainer], [data-testid=stMain] {
    position: static !important; height: auto !important; min-height: 0 !important; overflow: visible !important; display: block !important;
  }
  [data-testid=stMainBlockContainer] { zoom: 0.6; padding: 0 !important; max-width: none !important; }
  [data-testid=stHeader], [data-testid=stStatusWidget], [data-testid=stToast], [data-testid=stMain] :is(
    [data-testid=stButton], [data-testid=stDownloadButton], [data-testid=stButtonGroup], [data-testid=stPopover], [data-testid=stExpander],
    [data-testid=stSelectbox], [data-testid=stTextInput], [data-testid=stNumberInput], [data-testid=stSlider], [data-testid=stCheckbox],
    [data-testid=stRadio], [data-testid=stFileUploader], [data-testid=stElementToolbar]
  ), [data-testid=stMainBlockContainer] :has([class*="-panel "], [class$="-panel"]) ~ * { display: none !important; }
  [class*="st-key-scrolling-"] { overflow: visible !important; mask-image: none !important; animation: none !important; }
  svg.marks { max-width: 100%; height: auto; }
  [data-testid=stMainBlockContainer] :has(> .st-key-printed-link), .st-key-printed-link { display: block !important; }
  .st-key-printed-link * { overflow-wrap: anywhere; white-space: pre-wrap !important; }
}
</style>"""


def printable() -> None:
    """Add the style sheet of printers."""
    st.html(STYLE)


def print_link() -> None:
    """Add the link of the page as it is now, which only a printer shows."""
    query = urlencode(st.query_params.to_dict())
    link = f"{st.context.url}{'?' if query else ''}{query}"
    with st.container(key="printed-link"):
        st.text(link if len(link) <= LONGEST else f"{st.context.url}: the link that restores this view is too long to be printed.")
