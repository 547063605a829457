"""One reader for each layout a set of pictures may come in; `data.read` chooses among them."""
