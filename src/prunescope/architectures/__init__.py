"""Model classes that transformers lacks; importing a module registers its class with AutoModel."""
