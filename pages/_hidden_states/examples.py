"""Example texts, one per training corpus, each with one edit that shows what a unit remembers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """A text in which the measured units switch, and the edit that disturbs one of them.

    Args:
        text: About 420 characters in the style of the corpus.
        warm_up: Plain text read first and not shown, so that the text does not start from a blank state.
        needle, becomes: The edit replaces the first `needle` by `becomes`.
        open_label, close_label: Label of the button before and after the edit.
        other: Text of another kind of place, outside what the measured unit tracks, for *Transplant*.
    """

    text: str
    warm_up: str
    needle: str
    becomes: str
    open_label: str
    close_label: str
    other: str


_WIKI = """'''Lighthouse''' is a [[tower]] that guides ships at night. The first stood near \
[[Pharos of Alexandria|Pharos]] in [[Egypt]].&lt;ref&gt;{{cite web |url=http://www.example.org/lights.html \
|title=Lights of the sea}}&lt;/ref&gt; Its fire was seen from far away.

== History ==
Keepers lit the lamp each evening and wrote the weather in a [[logbook]].

* [[Fresnel lens]], a lens of glass rings
* [[Foghorn]], a horn for days without sight
"""

_C = """/*
 * Put the lamp out and give back what it holds.
 */
static int lamp_release(struct lamp *lamp, const char *name)
{
	int err = 0;

	if (!lamp || !name)
		return -EINVAL;
	/* the keeper may still be writing */
	mutex_lock(&lamp->lock);
	if (lamp->lit) {
		pr_warn("lamp %s is still lit\\n", name);
		err = -EBUSY;
	}
	mutex_unlock(&lamp->lock);
	return err;
}
"""

_PLAY = """KEEPER:
The night comes on, and with the night the sea
Grows loud below; yet here I keep my flame,
That ships may know the rock and pass it by.

SAILOR:
Good keeper, tell me, who has paid thy oil?

KEEPER:
No man, my friend; the dead have left it me,
That once came in upon a moonless wind
And found no light to bid them turn again.
"""

_PLAIN = """The keeper of the lighthouse wrote a letter every night (he had no one to talk to). He wrote about the wind, the \
ships that passed, and the lamp: "It burns well," he said, "and it has never gone out."

In the morning he read what he had written, smiled, and put it away.
"""

EXAMPLES = {
    "plain": Example(
        text=_PLAIN,
        warm_up="",  # a stranger's network starts blank, so that its owner finds the numbers of her own code
        needle=" talk to)",
        becomes=" talk to",
        open_label="Leave the bracket open",
        close_label="Close it again",
        other="In the evening the keeper went down to the harbour, where the boats",
    ),
    "wiki": Example(
        text=_WIKI,
        warm_up="The coast is long and the nights are dark. People have looked for ways to find the harbour since boats were made.\n\n",
        needle="]]",
        becomes="",
        open_label="Leave it open",
        close_label="Close it again",
        other="== Boats ==\nThe keepers sailed to the rock each spring, and most of them kept a logbook",
    ),
    "linux": Example(
        text=_C,
        warm_up="#include <linux/module.h>\n#include <linux/mutex.h>\n#include <linux/slab.h>\n\n#define LAMP_MAX\t16\n\n",
        needle="*/",
        becomes="",
        open_label="Leave the comment open",
        close_label="Close it again",
        other="int lamp_count(struct lamp *lamp)\n{\n\tint count = 0;\n\n\tfor (; lamp; lamp = lamp->next)\n\t\tcount++;\n",
    ),
    "shakespeare": Example(
        text=_PLAY,
        warm_up="MESSENGER:\nThe ships are late, my lord, and no one knows\nWhat wind has held them from the harbour mouth.\n\n",
        needle="\nGrows",
        becomes=" Grows",
        open_label="Join two lines",
        close_label="Split them again",
        other="SAILOR:\nWe saw thy flame, good keeper, from the deep, and came by it to land.\n\nKEEPER:\nThen is",
    ),
}


def disturbed(text: str, example: Example) -> str:
    """The text after the edit."""
    return text.replace(example.needle, example.becomes, 1)
