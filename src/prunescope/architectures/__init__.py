"""Model classes that transformers lacks; importing a module registers them with AutoModel."""
