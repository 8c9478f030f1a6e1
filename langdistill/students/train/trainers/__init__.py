"""Trainers of TRL and transformers, and what they leave to be added."""
