package main

import (
	"fmt"
	"os"
	"regexp"
	"runtime"

	"headcount/endtoend/apachekafka"
)

// machine says on what was measured.
type machine struct {
	CPU   string `json:"cpu"`
	Cores int    `json:"cores"`
	Go    string `json:"go"`
	Kafka string `json:"kafka"`
}

func thisMachine() machine {
	m := machine{CPU: runtime.GOARCH, Cores: runtime.NumCPU(), Go: runtime.Version(), Kafka: apachekafka.Version}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if found := regexp.MustCompile(`(?m)^model name\s*:\s*(.+)$`).FindSubmatch(text); found != nil {
			m.CPU = string(found[1])
		}
	}
	return m
}

func (m machine) String() string {
	return fmt.Sprintf("%d cores, %s, Apache Kafka %s, %s", m.Cores, m.CPU, m.Kafka, m.Go)
}
