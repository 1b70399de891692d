package endtoend

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	yaml "github.com/goccy/go-yaml"
)

const rendering = "../deploy/kubernetes/headcount.yaml"

// TestRendering: what is committed is what the chart makes.
func TestRendering(t *testing.T) {
	t.Parallel()
	helm, err := exec.LookPath("helm")
	if err != nil {
		t.Skip("helm is not installed (make chart brings its own)")
	}
	out, err := exec.Command(helm, "template", "headcount", "../deploy/helm", "--namespace", "headcount", "-f", "../deploy/kubernetes/values.yaml").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out, text(t, rendering)) {
		t.Error("deploy/kubernetes/headcount.yaml is not what the chart makes: make chart")
	}
}

// TestSchemas has the rendering checked by the schemas of Kubernetes.
func TestSchemas(t *testing.T) {
	t.Parallel()
	tool, err := exec.LookPath("kubernetes-validate")
	if err != nil {
		t.Skip("kubernetes-validate is not installed (pip install kubernetes-validate)")
	}
	if out, err := exec.Command(tool, "--strict", rendering).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// kubeObject is what is looked at of a Kubernetes object.
type kubeObject struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string
	Spec     struct {
		PodManagementPolicy string `yaml:"podManagementPolicy"`
		Template            struct{ Spec pod }
		JobTemplate         struct {
			Spec struct{ Template struct{ Spec pod } }
		} `yaml:"jobTemplate"`
	}
}

type pod struct {
	SecurityContext struct {
		RunAsNonRoot bool `yaml:"runAsNonRoot"`
		FSGroup      int  `yaml:"fsGroup"`
	} `yaml:"securityContext"`
	TerminationGracePeriodSeconds int `yaml:"terminationGracePeriodSeconds"`
	Containers                    []struct {
		Name          string
		Command, Args []string
		Env           []struct {
			Name, Value string
			ValueFrom   struct {
				FieldRef struct {
					FieldPath string `yaml:"fieldPath"`
				} `yaml:"fieldRef"`
			} `yaml:"valueFrom"`
		}
		VolumeMounts []struct {
			Name      string
			MountPath string `yaml:"mountPath"`
			SubPath   string `yaml:"subPath"`
		} `yaml:"volumeMounts"`
		SecurityContext struct {
			ReadOnlyRootFilesystem   bool `yaml:"readOnlyRootFilesystem"`
			AllowPrivilegeEscalation bool `yaml:"allowPrivilegeEscalation"`
		} `yaml:"securityContext"`
	}
	Volumes []struct {
		Name   string
		Secret *struct {
			SecretName  string `yaml:"secretName"`
			DefaultMode int    `yaml:"defaultMode"`
		}
	}
}

func objects(t *testing.T) (all []kubeObject) {
	t.Helper()
	for d := yaml.NewDecoder(bytes.NewReader(text(t, rendering))); ; {
		var o kubeObject
		if d.Decode(&o) != nil {
			break
		}
		all = append(all, o)
	}
	if len(all) < 8 {
		t.Fatalf("%d objects", len(all))
	}
	return all
}

// TestPods lays out what pods see in a folder and has the programs read it: the configuration is valid and names what is mounted, flags
// are known, secrets are of a mode that is taken, and each program gets no key that it does not need.
func TestPods(t *testing.T) {
	t.Parallel()
	all := objects(t)
	config := ""
	for _, o := range all {
		if text := o.Data["headcount.yaml"]; text != "" {
			config = text
		}
	}
	pods := map[string]pod{}
	for _, o := range all {
		switch o.Kind {
		case "StatefulSet":
			pods["ingest"] = o.Spec.Template.Spec
			if o.Spec.PodManagementPolicy != "Parallel" {
				t.Errorf("pods start %q", o.Spec.PodManagementPolicy)
			}
		case "CronJob":
			pods["close"] = o.Spec.JobTemplate.Spec.Template.Spec
		}
	}
	if len(pods) != 2 || config == "" {
		t.Fatalf("pods %v, configuration %q", pods, config)
	}
	if grace := pods["ingest"].TerminationGracePeriodSeconds; grace < 60 {
		t.Errorf("a pod is killed after %d s, where a last checkpoint may take 30", grace)
	}
	for name, p := range pods {
		c := p.Containers[0]
		if !p.SecurityContext.RunAsNonRoot || p.SecurityContext.FSGroup == 0 || !c.SecurityContext.ReadOnlyRootFilesystem || c.SecurityContext.AllowPrivilegeEscalation {
			t.Errorf("%s: %+v, %+v", name, p.SecurityContext, c.SecurityContext)
		}
		for _, v := range p.Volumes {
			if v.Secret != nil && v.Secret.DefaultMode != 0o440 {
				t.Errorf("%s: secret %s has mode %04o", name, v.Secret.SecretName, v.Secret.DefaultMode)
			}
		}
		mounted := func(path string) bool {
			for _, m := range c.VolumeMounts {
				if path == m.MountPath || strings.HasPrefix(path, m.MountPath+"/") {
					return true
				}
			}
			return false
		}
		for _, path := range []string{"/etc/headcount/headcount.yaml", "/etc/headcount/keys/guid.key", "/etc/headcount/accounts/accounts.yaml", "/etc/headcount/catalog", "/etc/headcount/kafka/password", "/etc/headcount/ca/ca.pem", "/tmp/x", "/var/lib/headcount/state"} {
			if !mounted(path) {
				t.Errorf("%s: %s is not mounted", name, path)
			}
		}
		if got := mounted("/etc/headcount/seal/seal.key"); got != (name == "close") {
			t.Errorf("%s: the seal key is mounted: %t", name, got)
		}
		if got := mounted("/etc/headcount/ledger/password"); got != (name == "close") {
			t.Errorf("%s: the ledger's password is mounted: %t", name, got)
		}
		program := strings.TrimPrefix(c.Command[0], "/")
		help, err := exec.Command(filepath.Join(binaries, program), c.Args[0], "--help").CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, help)
		}
		for _, arg := range c.Args {
			if strings.HasPrefix(arg, "--") && !strings.Contains(string(help), arg+" ") {
				t.Errorf("%s: %s %s has no flag %s", name, program, c.Args[0], arg)
			}
		}
	}
	ingest := pods["ingest"].Containers[0]
	env := os.Environ()
	instance := false
	for _, e := range ingest.Env {
		if e.Name == "HEADCOUNT_KAFKA_INSTANCE" && e.ValueFrom.FieldRef.FieldPath == "metadata.name" {
			e.Value, instance = "headcount-ingest-0", true
		}
		env = append(env, e.Name+"="+e.Value)
	}
	if !instance || !slices.Contains(env, "HEADCOUNT_LEDGER=none") {
		t.Errorf("variables of ingest: %+v", ingest.Env)
	}
	// What the programs make of the configuration: it is read whole, and fails on the first file, or broker, that is not here.
	file := filepath.Join(t.TempDir(), "headcount.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	first := map[string]string{"ingest": "/etc/headcount/keys/guid.key", "rollup": "/etc/headcount/ledger/password"}
	for program, args := range map[string][]string{"ingest": {"run"}, "rollup": {"close", "--due"}} {
		cmd := exec.Command(filepath.Join(binaries, program), append(args, "--config", file)...)
		if cmd.Env = os.Environ(); program == "ingest" {
			cmd.Env = env
		}
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), first[program]) {
			t.Errorf("%s %v does not get as far as %s: %v\n%s", program, args, first[program], err, out)
		}
	}
}
