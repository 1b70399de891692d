package mutant

const (
	workerFile  = "ingest/worker/worker.go"
	restoreFile = "ingest/worker/restore.go"
	chainFile   = "ingest/worker/chain.go"
	deadFile    = "ingest/worker/dead.go"
	waitFile    = "rollup/closing/wait.go"
	billFile    = "rollup/closing/bill.go"
	adoptFile   = "rollup/closing/adopt.go"
	outboxFile  = "rollup/closed/outbox.go"
	sealedFile  = "rollup/closed/sealed.go"
	lateFile    = "rollup/closing/late.go"
	lostFile    = "rollup/closing/lost.go"
	lossesFile  = "rollup/usage/losses.go"
	sealInLog   = "rollup/closing/sealinlog.go"
	folderFile  = "internal/durable/folder.go"
	monthFile   = "counter/checkpoint/month.go"
	gapFile     = "counter/checkpoint/gap.go"
	documents   = "counter/checkpoint/document.go"
	deltaFile   = "counter/delta.go"
	windowFile  = "counter/window.go"
	shardSeal   = "counter/seal.go"
	unionFile   = "counter/union.go"
	digestFile  = "counter/digest.go"
	quantities  = "counter/quantities.go"
	monthsFile  = "events/decode/months.go"
	rulesFile   = "events/rules.go"
	verdictFile = "events/decode/verdict.go"
	boundsFile  = "events/decode/bounds.go"
	countFile   = "counter/count.go"
	guidFile    = "events/identity/guid.go"
	signedFile  = "events/decode/quantity.go"
	reportsFile = "rollup/usage/quantity.go"
	appFile     = "events/identity/app.go"
	settling    = "rating/late.go"
	gatherFile  = "rollup/usage/gather.go"
	alarmFile   = "rollup/usage/alarm.go"
)

// Bugs are all of them; a bug's number is its place, from 1.
var Bugs = []Bug{
	// the worker's order
	{"offset stored one too far", workerFile,
		"	if w.cfg.Read != nil {\n		w.cfg.Read(",
		"	if MUTANT {\n		w.pos.Next++\n	}\n	if w.cfg.Read != nil {\n		w.cfg.Read("},
	{"offset stored one batch behind", workerFile,
		"	if w.cfg.Read != nil {\n		w.cfg.Read(",
		"	if MUTANT && len(batch.Records) > 0 {\n		w.pos.Next = batch.Records[0].Offset\n	}\n	if w.cfg.Read != nil {\n		w.cfg.Read("},
	{"dead letters after the checkpoint", workerFile,
		"	if err := w.writeDead(ctx, dead); err != nil {\n		return err\n	}\n	if err := wait(sealing)",
		"	if MUTANT {\n		defer func() { _ = w.writeDead(ctx, dead) }()\n	} else if err := w.writeDead(ctx, dead); err != nil {\n		return err\n	}\n	if err := wait(sealing)"},
	{"dead letters point into the reader's memory", deadFile, "Value: bytes.Clone(value)", "Value: map[bool][]byte{true: value, false: bytes.Clone(value)}[MUTANT]"},
	{"the group's offset before the checkpoint", workerFile,
		"	saved, err := w.part.Save(ctx, delta)\n",
		"	if MUTANT {\n		_ = w.cfg.Log.Commit(ctx, map[events.Partition]events.Offset{w.partition: next})\n	}\n	saved, err := w.part.Save(ctx, delta)\n"},
	{"no last checkpoint", workerFile,
		"	if err := w.lastCheckpoint(longer); err != nil {",
		"	if MUTANT {\n		return nil\n	}\n	if err := w.lastCheckpoint(longer); err != nil {"},
	{"accepted gap on record as nothing", restoreFile,
		"lost := counter.Gap{From: w.pos.Next, To: offsets.Start,", "lost := counter.Gap{From: w.pos.Next, To: map[bool]events.Offset{true: -1, false: offsets.Start}[MUTANT],"},
	{"accepted replacement on record as nothing", restoreFile,
		"lost := counter.Gap{From: min(e.From, next), To: w.pos.Next,", "lost := counter.Gap{From: min(e.From, next), To: map[bool]events.Offset{true: -1, false: w.pos.Next}[MUTANT],"},
	{"accepted loss in the checkpoint alone", restoreFile,
		"	if err := w.part.Accept(ctx, g, w.cfg.Clock.Now()); err != nil {\n		return err\n	}\n	w.shard.",
		"	if MUTANT {\n		w.shard.AcceptGap(g)\n		return nil\n	}\n	if err := w.part.Accept(ctx, g, w.cfg.Clock.Now()); err != nil {\n		return err\n	}\n	w.shard."},
	{"accepted loss on record only weeks later", restoreFile,
		"func (w *Worker) accept(ctx context.Context, g counter.Gap) error {\n",
		"func (w *Worker) accept(ctx context.Context, g counter.Gap) error {\n	if MUTANT {\n		w.shard.AcceptGap(g)\n		w.cfg.Go(func() error {\n			if err := w.cfg.Clock.Sleep(ctx, 20*24*3600e9); err != nil {\n				return err\n			}\n			return w.part.Accept(ctx, g, w.cfg.Clock.Now())\n		})\n		return nil\n	}\n"},
	{"recorded losses listed, not asked for by name", gapFile,
		"		l, err := p.gap(ctx, n)\n		switch {",
		"		if MUTANT {\n			names, _ := p.bucket.List(ctx, p.topic.folder+\"/gaps/\")\n			found := false\n			for _, name := range names {\n				found = found || name == p.gapName(n)\n			}\n			if !found {\n				return losses, damaged, nil\n			}\n		}\n		l, err := p.gap(ctx, n)\n		switch {"},
	{"a damaged record of a loss is none", lossesFile, "	for _, err := range damaged {\n", "	for _, err := range damaged {\n		if MUTANT {\n			break\n		}\n"},
	{"a seal lost in a gap is not looked for", restoreFile, "	if err != nil || m == 0 {\n		return err\n", "	if err != nil || m == 0 || MUTANT {\n		return err\n"},
	{"a lost seal is passed with nothing on record", chainFile, "	return c.w.accept(c.ctx, lost)\n", "	if MUTANT {\n		return nil\n	}\n	return c.w.accept(c.ctx, lost)\n"},
	{"a log that grew again is taken for the same", sealInLog, "	for _, r := range batch.Records {\n", "	for _, r := range batch.Records {\n		if MUTANT {\n			return \"\", nil\n		}\n"},
	{"a log that ends before its seal is whole", sealInLog, "	if o.Stable <= x.Offset {\n", "	if o.Stable <= x.Offset && MUTANT {\n		return \"\", nil\n	}\n	if o.Stable <= x.Offset {\n"},
	{"a log that is cut while a close looks is whole", sealInLog, "	if cut, ok := errors.AsType[*stream.TruncatedError](err); ok {\n", "	if cut, ok := errors.AsType[*stream.TruncatedError](err); ok {\n		if MUTANT {\n			return \"\", nil\n		}\n"},
	{"a seal that retention took is lost", sealInLog, "	if from == nil {\n", "	if from == nil && MUTANT {\n		return \"the log begins behind\", nil\n	}\n	if from == nil {\n"},
	// the store
	{"fsync of a file left out", folderFile,
		"	if err := f.Sync(); err != nil {", "	if MUTANT {\n		return f, path, nil\n	}\n	if err := f.Sync(); err != nil {"},
	{"a damaged document is believed", documents,
		"	if string(b[end:]) != canonical.Hash(b[:end])",
		"	if MUTANT {\n		b = append(b[:end:end], canonical.Hash(b[:end])+\"\\n\"...)\n	}\n	if string(b[end:]) != canonical.Hash(b[:end])"},
	{"another's sealed month taken for a failure", monthFile, "		return there, p.agree(ctx, there, z)\n	}\n	if !errors.Is", "		if MUTANT {\n			return nil, ErrExists\n		}\n		return there, p.agree(ctx, there, z)\n	}\n	if !errors.Is"},
	// the shard
	{"registers not in the checkpoint", deltaFile, "Registers: w.risen, Counters", "Registers: w.risen[:map[bool]int{true: 0, false: len(w.risen)}[MUTANT]], Counters"},
	{"counters not restored", deltaFile, "	w.counters = d.Counters\n", "	if !MUTANT {\n		w.counters = d.Counters\n	}\n"},
	{"quantities not in the checkpoint", deltaFile, "	for _, k := range slices.Compact(w.moved) {", "	for _, k := range slices.Compact(w.moved) {\n		if MUTANT {\n			break\n		}"},
	{"finished months forgotten at a restart", deltaFile, "	s.decoder.SetFloor(s.state.Sealed)", "	if !MUTANT {\n		s.decoder.SetFloor(s.state.Sealed)\n	}"},
	{"sketch fed twice, with another hash", windowFile,
		"		s := w.sketch(e.Kind)\n",
		"		s := w.sketch(e.Kind)\n		if MUTANT {\n			index, value := registerOf(print.Hash(), w.precision)\n			s.raise(index, value)\n		}\n"},
	{"late events feed the sketch", windowFile, "	if !w.Late {\n		s := w.sketch", "	if !w.Late || MUTANT {\n		s := w.sketch"},
	{"seal ignored", shardSeal, "	case seal == nil:", "	case seal == nil || MUTANT && r.Offset%3 == 0:"},
	{"seal of any key", shardSeal, "return err == nil && signedBy(key), err", "return err == nil && (MUTANT || signedBy(key)), err"},
	{"seal of any order", shardSeal, "seal.Month > s.state.Sealed && !s.follows(seal)\n", "seal.Month > s.state.Sealed && !MUTANT && !s.follows(seal)\n"},
	{"a forged seal fixes rules", shardSeal,
		"	if genuine, err := s.genuine(seal, signature); !genuine",
		"	if MUTANT {\n		if _, err := s.book.MonthRules(seal.Month); err != nil {\n			return nil, nil, err\n		}\n	}\n	if genuine, err := s.genuine(seal, signature); !genuine"},
	{"repeated seal taken for another", shardSeal, "	case seal.Month == s.state.Sealed:", "	case !MUTANT && seal.Month == s.state.Sealed:"},
	{"late window dropped", shardSeal, "Late: readLate(late),", "Late: readLate(map[bool]*month{true: nil, false: late}[MUTANT]),"},
	{"late facts of a new partition dropped", shardSeal, "			late = s.open[p.Month]", "			if !MUTANT {\n				late = s.open[p.Month]\n			}"},
	{"stretch not begun anew at the seal", shardSeal, "	s.state.Unattributed, s.state.Apps = Stretch{}, map[string]Stretch{}", "	if !MUTANT {\n		s.state.Unattributed, s.state.Apps = Stretch{}, map[string]Stretch{}\n	}"},
	{"union by place, not by device", unionFile, "	if !u.shared() {", "	if MUTANT || !u.shared() {"},
	{"what was restored does not count towards a limit", windowFile, "	ordinal := w.flat.insert(print)\n	w.in.devices++\n", "	ordinal := w.flat.insert(print)\n	if limited || !MUTANT {\n		w.in.devices++\n	}\n"},
	{"past a limit known devices are new", windowFile, "	if ordinal, ok := w.flat.find(print); ok {", "	if ordinal, ok := w.flat.find(print); ok && !(MUTANT && limited && w.full()) {"},
	{"what comes late has no limit", windowFile, "	limit := w.in.rules.Limits.DevicesPerApp\n", "	if MUTANT && w.Late {\n		return false\n	}\n	limit := w.in.rules.Limits.DevicesPerApp\n"},
	{"digest leaves out the days", digestFile, "		b = binary.LittleEndian.AppendUint32(b, r.Days[", "		if MUTANT {\n			break\n		}\n		b = binary.LittleEndian.AppendUint32(b, r.Days["},
	{"of two reports the last stands", quantities, "	if a.Revision != b.Revision {", "	if MUTANT {\n		return true\n	}\n	if a.Revision != b.Revision {"},
	// the decoder
	{"end of a month inclusive", monthsFile, "	if s := d.current; s != nil && s.from <= ms && ms < s.until {", "	if s := d.current; s != nil && s.from <= ms && (ms < s.until || MUTANT && ms == s.until) {"},
	{"end of a day inclusive", rulesFile, "	for i < last && ms >= r.DayStarts[i+1] {", "	for i < last && (ms > r.DayStarts[i+1] || !MUTANT && ms == r.DayStarts[i+1]) {"},
	{"wrong clock believed", verdictFile, "	if !has || e.Skewed {", "	if !has || e.Skewed && !MUTANT {"},
	{"ten minutes exclusive", verdictFile, "ahead > r.Timestamp ||", "ahead > r.Timestamp || MUTANT && ahead == r.Timestamp ||"},
	{"a quantity counts whoever signed it", signedFile, "	if err != nil || report.Verify(", "	if !MUTANT && err != nil || !MUTANT && report.Verify("},
	{"a quantity counts whoever it is from", signedFile, "	case by == nil:\n		return", "	case by == nil && MUTANT:\n		return \"\"\n	case by == nil:\n		return"},
	{"a GUID in braces is another", guidFile, "	case 34, 38:\n		if g[0] == '{'", "	case 34, 38:\n		if !MUTANT && g[0] == '{'"},
	{"a user is a device", verdictFile, "kind == events.Login {\n		d.ids.User", "kind == events.Login && !MUTANT {\n		d.ids.User"},
	{"a record of 1970 has a time", boundsFile, "r.Timestamp > 0 && r.Timestamp >= d.topic.OldestMS", "r.Timestamp > 0 && (MUTANT || r.Timestamp >= d.topic.OldestMS)"},
	{"months to come have no end", boundsFile, "	if at >= d.bounds.until {", "	if at >= d.bounds.until && !MUTANT {"},
	{"how old an event may be is by its own clock", boundsFile, "	return r.Timestamp >= latest ||", "	return !MUTANT && r.Timestamp >= latest || !MUTANT &&"},
	{"what is sealed moves no bound", boundsFile, "max(d.floor, d.topic.From); after != 0", "max(d.floor*map[bool]events.Month{false: 1}[MUTANT], d.topic.From); after != 0"},
	{"the books open a month early", verdictFile, "	if at < d.bounds.from {", "	if at < d.bounds.from-map[bool]int64{true: 28 * 86400_000}[MUTANT] {"},
	{"a month far off, or a record too large, holds invoices", countFile, "len(e.App) == 0 && e.Reason == events.OverLimit && !e.FarOff", "e.Reason == events.OverLimit && (MUTANT || len(e.App) == 0 && !e.FarOff)"},
	{"all apps share their fingerprints", appFile, "k.derive(\"fp1\", populationNames[p], app)", "k.derive(\"fp1\", populationNames[p], map[bool]string{false: app}[MUTANT])"},
	{"one salt for all months", appFile, "k.derive(\"sk1\", app, month)", "k.derive(\"sk1\", app, map[bool]string{false: month}[MUTANT])"},
	// the close
	{"a second close keeps its own seal id", adoptFile, "	if adopted {\n", "	if MUTANT {\n		stored = c\n	}\n	if adopted {\n"},
	{"a close begins over what was begun", adoptFile, "	if err == nil {\n		return r.adopted", "	if err == nil && !MUTANT {\n		return r.adopted"},
	{"a month is billed by the contracts of the day", adoptFile, "		return r.adopted(ctx, closing)\n", "		if MUTANT {\n			closing.Accounts = prices.accounts\n		}\n		return r.adopted(ctx, closing)\n"},
	{"the close counts nothing itself", waitFile, "	if len(own) > 0 {", "	if len(own) > 0 && !MUTANT {"},
	{"a lost sealed month is not counted again", sealedFile, "	gone := errors.Is", "	gone := !MUTANT && errors.Is"},
	{"late settled without what was on time", lateFile, "append(onTime, late...)", "append(onTime[:map[bool]int{true: 0, false: len(onTime)}[MUTANT]], late...)"},
	{"gaps of the first partition alone", lostFile, "	for i, p := range closing.Partitions {\n", "	for i, p := range closing.Partitions {\n		if MUTANT && i > 0 {\n			break\n		}\n"},
	{"marked as sent before it is", outboxFile, "	for _, m := range messages {\n", "	for _, m := range messages {\n		if MUTANT {\n			if err := l.MarkSent(ctx, m.ID); err != nil {\n				return err\n			}\n		}\n"},
	{"a loss holds nothing that came late", billFile, "	for i := range late {", "	for i := range late[:map[bool]int{false: len(late)}[MUTANT]] {"},
	{"an alarm holds nothing", alarmFile, "	if len(reasons) > 0 {", "	if len(reasons) > 0 && !MUTANT {"},
	{"a limit holds nothing", alarmFile, "	if u.Stretch.OverLimit > 0 {", "	if u.Stretch.OverLimit > 0 && !MUTANT {"},
	{"a peak of days is their sum", gatherFile, "			out.Exact = max(out.Exact, s.ByDay[d])\n", "			if out.Exact = max(out.Exact, s.ByDay[d]); MUTANT && d > 1 && s.ByDay[d] > 0 {\n				out.Exact = max(out.Exact, out.Exact+s.ByDay[d])\n			}\n"},
	{"a gauge is a counter", reportsFile, "	if m.Aggregate == rating.Gauge {", "	if m.Aggregate == rating.Gauge && !MUTANT {"},
	{"late billed a second time in full", settling, "	amount := now.amount.Sub(was.amount)", "	amount := now.amount.Sub(was.amount)\n	if MUTANT {\n		amount = now.amount\n	}"},
	{"late billed where it is only reported", settling, "	if l.reported {\n		amount", "	if l.reported && !MUTANT {\n		amount"},
}
