"""For classrooms: what each term means, guided tours over the pages, a quiz against a network, a recorded run as if it were live."""
