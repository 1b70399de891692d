package setup

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/site"
	"headcount/events"
	"headcount/ingest/keys"
	"headcount/internal/secret"
	"headcount/rating"
)

// place is a folder with the configuration that init writes.
func place(t *testing.T) (string, *config.Config) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "with space")
	file := filepath.Join(dir, "headcount.yaml")
	step, err := Config(file, events.MonthOf(2026, 10))
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v: want mode 0600", info.Mode(), err)
	}
	if err != nil || !step.Created || step.Name != file {
		t.Fatalf("%+v, %v", step, err)
	}
	c, err := config.Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return dir, c
}

func made(steps []Step) string {
	var names []string
	for _, s := range steps {
		if s.Created {
			names = append(names, s.What)
		}
	}
	return strings.Join(names, ", ")
}

// The file that init writes says what is true without it, but for the embedded broker.
func TestConfigHasTheDefaults(t *testing.T) {
	_, c := place(t)
	want := config.Default()
	want.Billing.From = config.Month(events.MonthOf(2026, 10))
	if c.Billing != want.Billing || c.Kafka.Topic != want.Kafka.Topic || c.Kafka.Brokers[0] != want.Kafka.Brokers[0] || c.Ingest != want.Ingest ||
		c.Kafka.Embedded == nil || c.Kafka.Embedded.Partitions != 4 {
		t.Errorf("got %+v, want %+v", c, want)
	}
	if _, err := rating.ParseAccounts("accounts.yaml", []byte(accountsText)); err != nil {
		t.Error(err)
	}
	example := strings.ReplaceAll(strings.TrimSuffix(accountsText, "accounts: []\n"), "\n# ", "\n")
	example = example[strings.Index(example, "accounts:\n"):]
	accounts, err := rating.ParseAccounts("example", []byte(example))
	if err != nil {
		t.Fatal(err)
	}
	books, err := site.Catalog(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := accounts.Check(books, c.Zone()); err != nil {
		t.Errorf("the example that init writes is wrong: %v", err)
	}
}

func TestFilesAreMadeOnceAndNeverOverwritten(t *testing.T) {
	dir, c := place(t)
	steps, err := Files(t.Context(), c, false)
	if err != nil || made(steps) != "GUID key, seal public key, seal key, accounts" {
		t.Fatalf("made %s, %v", made(steps), err)
	}
	before := contents(t, dir)
	for path, mode := range map[string]fs.FileMode{c.GUIDKeyFile: 0o600, c.SealKeyFile: 0o600, c.SealPublicKeyFile: 0o644, c.Accounts: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v; want mode %v", path, info.Mode(), err, mode)
		}
	}
	if _, err := site.Keys(c); err != nil {
		t.Error(err)
	}
	if _, err := site.SealKey(c); err != nil {
		t.Error(err)
	}
	for _, again := range []bool{false, true} {
		if steps, err = Files(t.Context(), c, again); err != nil || made(steps) != "" {
			t.Errorf("again: made %s, %v", made(steps), err)
		}
	}
	if step, err := Config(filepath.Join(dir, "headcount.yaml"), events.MonthOf(2026, 11)); err != nil || step.Created {
		t.Errorf("again: %+v, %v", step, err)
	}
	if after := contents(t, dir); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
}

// contents is every file under dir with what it holds.
func contents(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		b.WriteString(path + "\n" + string(data) + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestLostPublicKeyIsMadeOfThePrivateOne(t *testing.T) {
	_, c := place(t)
	if _, err := Files(t.Context(), c, false); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(c.SealPublicKeyFile)
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(c.SealPublicKeyFile)
	steps, err := Files(t.Context(), c, false)
	if err != nil || made(steps) != "seal public key" {
		t.Fatalf("made %s, %v", made(steps), err)
	}
	if got, err := os.ReadFile(c.SealPublicKeyFile); err != nil || string(got) != string(want) {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

// A host that only counts has no private key, and is given none unasked. Where it is said to be lost, both are new.
func TestNoPrivateKeyBesideAPublicOne(t *testing.T) {
	_, c := place(t)
	if _, err := Files(t.Context(), c, false); err != nil {
		t.Fatal(err)
	}
	os.Remove(c.SealKeyFile)
	if steps, err := Files(t.Context(), c, false); err != nil || made(steps) != "" {
		t.Errorf("made %s, %v", made(steps), err)
	}
	if keys.Exists(c.SealKeyFile) {
		t.Error("a private key was made that the public one does not belong to")
	}
	if steps, err := Files(t.Context(), c, true); err != nil || made(steps) != "seal public key, seal key, former public key" {
		t.Errorf("lost, it made %s, %v", made(steps), err)
	}
	if _, err := site.SealKey(c); err != nil {
		t.Errorf("the new pair: %v", err)
	}
}

// Where counting has begun a new key would count every device again: it is refused, and nothing is written.
func TestKeysAreNotMadeWhereCountingHasBegun(t *testing.T) {
	for _, begun := range []string{"data/state/topic/rules.json", "data/ledger.db"} {
		dir, c := place(t)
		if _, err := Files(t.Context(), c, false); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, begun))
		c.Ledger = secret.NewURL(c.Ledger.Reveal() + "?busy_timeout=1s")
		guid, err := os.ReadFile(c.GUIDKeyFile)
		if err != nil {
			t.Fatal(err)
		}
		os.Remove(c.GUIDKeyFile)
		os.Remove(c.Accounts)
		refused(t, c, false, "GUID key file", "backup")
		if err := os.WriteFile(c.GUIDKeyFile, guid, 0o600); err != nil {
			t.Fatal(err)
		}
		os.Remove(c.SealKeyFile)
		os.Remove(c.SealPublicKeyFile)
		refused(t, c, false, "seal key files", "--new-seal-key")
		if steps, err := Files(t.Context(), c, true); err != nil || made(steps) != "seal public key, seal key, accounts" {
			t.Errorf("--new-seal-key made %s, %v", made(steps), err)
		}
	}
}

func write(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func refused(t *testing.T, c *config.Config, newSealKey bool, says ...string) {
	t.Helper()
	dir := filepath.Dir(c.File)
	before := contents(t, dir)
	_, err := Files(t.Context(), c, newSealKey)
	if cli.Code(err) != cli.Usage {
		t.Errorf("error %v, want one with exit code 2", err)
	}
	for _, text := range says {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("error %v does not say %q", err, text)
		}
	}
	if after := contents(t, dir); after != before {
		t.Errorf("refused, but written: before\n%s\nafter\n%s", before, after)
	}
}

// A ledger that cannot be looked at may hold a month.
func TestKeysAreNotMadeWhereTheLedgerCannotBeSeen(t *testing.T) {
	_, c := place(t)
	c.Ledger = secret.NewURL("postgres://user@127.0.0.1:1/headcount?connect_timeout=1")
	if _, err := Files(t.Context(), c, false); cli.Code(err) != cli.Unreachable {
		t.Errorf("error %v, want one with exit code 3", err)
	}
	if keys.Exists(c.GUIDKeyFile) {
		t.Error("a key was made")
	}
}

func TestFolderWithoutPermission(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write anywhere")
	}
	_, c := place(t)
	dir := filepath.Dir(c.File)
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o755)
	refused(t, c, false, c.GUIDKeyFile, "must not write")
}

// Two processes that begin at once agree on one key.
func TestRaceForAKey(t *testing.T) {
	_, c := place(t)
	errs := make(chan error)
	for range 8 {
		go func() {
			_, err := create(c.GUIDKeyFile, 0o600, []byte(t.Name()))
			errs <- err
		}()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	left, err := os.ReadDir(filepath.Dir(c.GUIDKeyFile))
	if err != nil || len(left) != 1 {
		t.Errorf("%d files are left, %v; want the key alone", len(left), err)
	}
}

func TestCreateDoesNotFollowALinkToNowhere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "nowhere"), path); err != nil {
		t.Fatal(err)
	}
	if created, err := create(path, 0o600, []byte("x")); created || err != nil {
		t.Errorf("created %v, %v", created, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("written through the link")
	}
}

func TestCreateUnderAFile(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"))
	_, err := create(filepath.Join(dir, "file", "key"), 0o600, nil)
	if !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("error %v, want that it is no folder", err)
	}
}
