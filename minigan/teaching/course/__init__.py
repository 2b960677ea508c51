"""What students are given: a small GAN in plain NumPy, which knows nothing of minigan, and programs around it.

`minigan.teaching.handout` writes these files to a student's folder, with what is to be filled in cut out, or with bugs.
"""
