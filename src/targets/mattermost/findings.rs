//! What the server's settings mean for our work.
