// Package durable makes files that last: whole or not at all, and there after a crash of the process or of the machine.
//
// # Order of system calls
//
// A file that must not exist yet (Folder.Create, Create, CreateFile):
//
//	mkdir, fsync of the parent      each folder that is missing, from the top; the parent also where the folder was there
//	                                already: whoever made it may have died before that
//	open(O_CREAT|O_EXCL), flock     a temporary file in the file's own folder; the lock says that its writer lives
//	write …, fsync, still open
//	link(temporary, file)           the commit: whole, at once, and never over another file; where a file system has no hard
//	                                links: renameat2(RENAME_NOREPLACE)
//	unlink(temporary), close        in this order: while it is open, nobody sweeps it
//	fsync of the folder             also where the name was taken: ErrExists promises a file that lasts
//
// A file that was made by other means (Publish): fsync, then as above from link on. A file that replaces another (Replace): as
// above with rename in the place of link and unlink, in a folder that is there. A file that was found (Folder.Persist): fsync of
// the folders above it, from the top.
//
// # What is left over
//
// The temporary file of a writer that died has a name that begins with Temporary, and no lock. It is removed by whoever first
// makes a file in that folder again.
//
// # A failed fsync
//
// It is never tried again: the kernel forgets what it could not write, and a second fsync succeeds without it. The error is
// ErrFatal; a Folder makes nothing after one, and the process must end.
package durable
