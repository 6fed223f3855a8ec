@rem The scripts in package.json start with `exec`, so that a signal sent to npm reaches our program and not only the
@rem shell between them. cmd.exe has no exec; on Windows npm finds this instead.
@%*
