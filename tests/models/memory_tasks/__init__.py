"""Tests of models.memory_tasks."""
