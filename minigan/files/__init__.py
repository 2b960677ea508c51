"""What is on the disk: whole files, checkpoints, a run's folder, pictures."""
