"""The testbed: a small LLaVA-architecture VLM, its generated scenes, its questions and its trainer."""
