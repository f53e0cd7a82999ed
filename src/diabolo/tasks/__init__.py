"""Tasks: what a person does with autoencoders."""
