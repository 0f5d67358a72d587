"""What the instrument measures of translation networks: whether an attention is real, and what known attentions get."""

from models.translation.experiments import attention, references

MEASUREMENTS = {"attention": attention.measure, "references": references.measure}
