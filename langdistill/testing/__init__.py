"""What tests of thinking graphs need: scripted chat models."""
