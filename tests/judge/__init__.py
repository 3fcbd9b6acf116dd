"""審判: an independent judge of what senders, file and national server tell. It imports nothing of src/.

It reads the senders' journals (on their disk before anything was sent), the tables by plain COPY, and the
national server's own journal, and decides whether they tell one story. Standard library only.
"""
