"""The hooks by which stock models run on pruned prompts."""
