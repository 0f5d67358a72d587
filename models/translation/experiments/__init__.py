"""Experiments on translation networks: translation under edits, tests of attention, and reference attentions."""

MEASUREMENTS = {
    "attention": "models.translation.experiments.attention:measure",
    "references": "models.translation.experiments.references:measure",
}
