"""What `diabolo.tasks.compare` is made of: the images, the methods side by side, and what is measured of them."""
