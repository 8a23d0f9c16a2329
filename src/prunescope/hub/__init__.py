"""Fetching files of the Hugging Face hub, and saying what is in the way."""
