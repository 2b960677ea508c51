"""Homework: a student's folder, what is to be written in it, and its marks (`minigan.homework`).

course   the files that students get, right and whole
lessons  what of them each lesson gives, cuts out or spoils; `planting` with which bugs
handout  writes a folder: the student's, or the solution
frames, worker, asking  a student's functions run in a process of their own and are asked for arrays
slopes, moves  the questions, and whether the answers are right; `marking` puts marks on them, `report` says them
"""
