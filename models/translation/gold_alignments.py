"""Gold alignments: sentence pairs written and aligned by hand for this project, to evaluate the alignment of an attention.

"2-1" is a sure link between English word 2 and French word 1, counted from 0; "2?1" is a possible link (articles that only
one of the languages has, auxiliaries, the second half of a negation). Punctuation marks count as words; "m'a" is one word.
"""

import re
from dataclasses import dataclass

PAIRS = """
The red car is in front of the big white house. | La voiture rouge est devant la grande maison blanche. \
| 0-0 2-1 1-2 3-3 5-4 4?4 6?4 7-5 8-6 10-7 9-8 11-9
I do not like cold coffee. | Je n'aime pas le café froid. | 0-0 3-1 1?1 2?1 2-2 5?3 5-4 4-5 6-6
My sister bought a green coat yesterday. | Ma sœur a acheté un manteau vert hier. | 0-0 1-1 2?2 2-3 3-4 5-5 4-6 6-7 7-8
The old man has two black dogs. | Le vieil homme a deux chiens noirs. | 0-0 1-1 2-2 3-3 4-4 6-5 5-6 7-7
She gave me the key. | Elle m'a donné la clé. | 0-0 2-1 1?1 1-2 3-3 4-4 5-5
We will see them tomorrow morning. | Nous les verrons demain matin. | 0-0 3-1 2-2 1?2 4-3 5-4 6-5
Where is the nearest train station? | Où est la gare la plus proche ? | 0-0 1-1 2-2 5-3 4?3 2?4 3?4 3?5 3-6 6-7
He never drinks warm milk. | Il ne boit jamais de lait chaud. | 0-0 1?1 2-2 1-3 4?4 4-5 3-6 5-7
There is an interesting book on the table. | Il y a un livre intéressant sur la table. \
| 0?0 1?0 0?1 1?1 0?2 1?2 2-3 4-4 3-5 5-6 6-7 7-8 8-9
Do you know his younger brother? | Connais-tu son jeune frère ? | 2-0 0?0 0?1 1?1 1-2 3-3 4-4 5-5 6-6
The children are playing in the garden. | Les enfants jouent dans le jardin. | 0-0 1-1 3-2 2?2 4-3 5-4 6-5 7-6
I have already read this long letter. | J'ai déjà lu cette longue lettre. | 0-0 1-0 2-1 3-2 4-3 5-4 6-5 7-6
French wine is expensive here. | Le vin français est cher ici. | 1?0 1-1 0-2 2-3 3-4 4-5 5-6
Nobody told us the truth. | Personne ne nous a dit la vérité. | 0-0 0?1 2-2 1?3 1-4 3-5 4-6 5-7
It is raining, so take your umbrella. | Il pleut, alors prends ton parapluie. | 0-0 2-1 1?1 3-2 4-3 5-4 6-5 7-6 8-7
His wife works in a small hospital. | Sa femme travaille dans un petit hôpital. | 0-0 1-1 2-2 3-3 4-4 5-5 6-6 7-7
Give it back to him. | Rends-le-lui. | 0-0 2-0 1?1 1-2 4?3 4-4 3?4 5-5
The blue bird sings every morning. | L'oiseau bleu chante tous les matins. | 2-0 0?0 1-1 3-2 4-3 4?4 5-5 6-6
I am looking for a cheap hotel. | Je cherche un hôtel bon marché. | 0-0 2-1 1?1 3?1 4-2 6-3 5-4 5-5 7-6
What did your mother say? | Qu'a dit ta mère ? | 0-0 1?0 4-1 2-2 3-3 5-4
They are not at home today. | Ils ne sont pas à la maison aujourd'hui. | 0-0 2?1 1-2 2-3 3-4 4?5 4-6 5-7 6-8
A black cat crossed the empty street. | Un chat noir a traversé la rue vide. | 0-0 2-1 1-2 3?3 3-4 4-5 6-6 5-7 7-8
You should eat more vegetables. | Tu devrais manger plus de légumes. | 0-0 1-1 2-2 3-3 3?4 4-5 5-6
Her new shoes hurt her feet. | Ses nouvelles chaussures lui font mal aux pieds. | 0-0 1-1 2-2 4?3 3?4 3-5 4?6 5-7 6-8
The teacher asked a difficult question. | Le professeur a posé une question difficile. | 0-0 1-1 2?2 2-3 3-4 5-5 4-6 6-7
Is there any fresh bread left? | Reste-t-il du pain frais ? | 5-0 0?0 0?1 0?2 0?3 1?4 2-5 4-6 3-7 6-8
We crossed the wooden bridge at night. | Nous avons traversé le pont en bois la nuit. \
| 0-0 1?1 1-2 2-3 4-4 3?5 3-6 5?7 6-8 7-9
My parents live in a very quiet village. | Mes parents vivent dans un village très calme. | 0-0 1-1 2-2 3-3 4-4 7-5 5-6 6-7 8-8
I forgot to close the kitchen window. | J'ai oublié de fermer la fenêtre de la cuisine. \
| 0-0 1?0 1-1 2-2 3-3 4-4 6-5 5?6 4?7 5?7 5-8 7-9
The doctor's answer surprised everybody. | La réponse du médecin a surpris tout le monde. \
| 0-0 2-1 1?2 1-3 3?4 3-5 4-6 4-7 4-8 5-9
He speaks English better than me. | Il parle mieux anglais que moi. | 0-0 1-1 3-2 2-3 4-4 5-5 6-6
I did not see her at the party. | Je ne l'ai pas vue à la fête. | 0-0 2?1 4-2 1?2 2-3 3-4 5-5 6-6 7-7 8-8
"""
Links = frozenset[tuple[int, int]]  # (target, source) indices


@dataclass(frozen=True)
class HandAligned:
    """A sentence pair with its links as (target, source) indices; `possible` includes the sure links."""

    source: str
    target: str
    sure: Links
    possible: Links


def words(sentence: str) -> list[str]:
    """The words of a sentence, with their apostrophes, and its punctuation marks."""
    return re.findall(r"[\w'’]+|[^\w\s]", sentence)


def by_hand(direction: str = "en-fr") -> list[HandAligned]:
    """All pairs, from English to French ("en-fr") or from French to English ("fr-en")."""
    pairs = []
    for line in PAIRS.strip().splitlines():
        english, french, links = (part.strip() for part in line.split("|"))
        ties = [(*map(int, re.split(r"[-?]", link)), "-" in link) for link in links.split()]
        if direction == "fr-en":
            english, french, ties = french, english, [(f, e, is_sure) for e, f, is_sure in ties]
        sure = frozenset((f, e) for e, f, is_sure in ties if is_sure)
        pairs.append(HandAligned(english, french, sure, sure | {(f, e) for e, f, _ in ties}))
    return pairs
