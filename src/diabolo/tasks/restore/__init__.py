"""Pictures restored: noise, holes and blocks undone by a trained model."""
