"""What the instrument measures of translation networks: translations under edits, whether an attention is real, known attentions."""

MEASUREMENTS = {
    "attention": "models.translation.experiments.attention:measure",
    "references": "models.translation.experiments.references:measure",
}
