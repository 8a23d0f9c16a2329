"""What the file of a study says: models, tasks, methods, figures. No torch."""
