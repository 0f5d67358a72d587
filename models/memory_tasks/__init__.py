"""Small networks for synthetic memory tasks, which train on the page in about a minute."""

from models.family import Family, handed_on

FAMILY = Family(kind=None, network="models.memory_tasks.network:Learner", vocabulary=None)

__getattr__ = handed_on(__name__, {"network": ("Learner", "Setup")})
