"""The testbed: a small LLaVA-architecture VLM, generated scenes and questions, and a trainer."""
