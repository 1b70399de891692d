package sim

// fault is a way in which things go wrong.
type fault int

// The faults. What each one does to the product is its effect; a fault that was drawn where it could do nothing had none.
const (
	crash          fault = iota // a process is killed at any of its steps, with work that is in no checkpoint
	power                       // the machine stops: every process on it, and what was not synced
	lostWrite                   // an entry of a folder that was not synced is gone, or back
	tornWrite                   // a file that was not synced is cut short
	zombie                      // a process goes on with partitions that are another's by now
	rebalance                   // partitions change hands
	stall                       // a process hears nothing for a while
	restart                     // a process is stopped and started again, as for an upgrade
	clockJump                   // a process's clock is set, hours away
	duplicate                   // a producer sends again what is in the log
	reorder                     // producers overtake each other
	wrongPartition              // a record lies where its key does not lead
	pastLimit                   // an app passes a limit on what a month holds
	implausible                 // a quantity is far above the month before's
	forgery                     // a seal is in the log that no close wrote
	growth                      // the topic gets another partition
	brokerError                 // a request fails
	fetchError                  // reading fails for good
	produceLost                 // a write fails and is not applied
	produceApplied              // a write fails and is applied
	producePart                 // a write fails and is applied in part
	transaction                 // a transaction stays open
	abort                       // a transaction is aborted
	failover                    // another broker leads, with the whole log
	truncation                  // another broker leads, without the end of the log
	retention                   // the log's beginning is deleted, past a checkpoint
	sealCut                     // another broker leads, without the seal of a month that is being closed
	sealDeleted                 // the log's beginning is deleted, past the seal of a month that is being closed
	diskError                   // an operation on the disk fails
	syncError                   // an fsync fails
	diskFull                    // there is no room
	slowDisk                    // an operation takes long
	readError                   // a file cannot be read
	flip                        // a bit of a file changes at rest, and is seen
	remoteError                 // a request to the object store fails
	remoteApplied               // a request to the object store fails and is applied
	staleList                   // a listing is out of date
	closeKilled                 // a close is killed
	closeTwice                  // a close finds that another was faster
	ledgerDown                  // the ledger does not answer
	ledgerLate                  // the ledger does what it was asked, and its answer is lost
	faults
)

var faultNames = [faults]string{
	"crash", "power", "lost write", "torn write", "zombie", "rebalance", "stall", "restart", "clock jump", "duplicate", "reorder", "wrong partition",
	"past a limit", "implausible quantity", "forged seal", "growth", "broker error", "fetch error", "produce lost", "produce applied", "produce in part", "open transaction", "aborted transaction",
	"fail-over", "truncation", "retention", "seal cut off", "seal deleted", "disk error", "sync error", "disk full", "slow disk", "read error", "bit flip", "remote error",
	"remote applied", "stale list", "close killed", "close twice", "ledger down", "ledger late",
}

// drawn are the faults that hit may draw at any step, and how often at most: once in so many.
var drawn = [faults]int{
	crash: 150, power: 600, brokerError: 40, fetchError: 150, produceLost: 10, produceApplied: 10, producePart: 10,
	diskError: 150, syncError: 150, slowDisk: 100, readError: 100, remoteError: 80, remoteApplied: 80, staleList: 8,
	closeKilled: 60, ledgerDown: 15, ledgerLate: 8,
}

// drawFaults draws which faults this run has, how often each, and how many in all: after those all is calm.
func (w *World) drawFaults() {
	w.budget = [...]int{0, 3, 10, 25}[w.draw(4)]
	for k, once := range drawn {
		if once > 0 && w.draw(3) == 0 {
			w.rates[k] = once * (1 + w.draw(4))
		}
	}
	if w.remote {
		w.rates[power] = 0
	}
}

// hit says whether a fault happens now.
func (w *World) hit(k fault) bool {
	if w.rates[k] == 0 || w.budget == 0 || w.draw(w.rates[k]) != 0 {
		return false
	}
	w.budget--
	w.fired[k]++
	switch k {
	case crash, power, staleList, closeKilled: // shown where the effect is
	default:
		w.took(k)
	}
	return true
}

// took notes that a fault took effect.
func (w *World) took(k fault) { w.effect[k]++ }
