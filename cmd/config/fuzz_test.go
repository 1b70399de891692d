package config

import (
	"errors"
	"strings"
	"testing"
)

// Whatever a configuration file holds, it is read or refused with its name and the line.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte("billing: {time_zone: Asia/Shanghai, grace: 24h, skew_limit: \"0.01\"}\nkafka: {brokers: [a:1], topic: t}\n"))
	f.Add([]byte("kafka:\n  brokers: [127.0.0.1:9092]\n  embedded: {data_dir: data/kafka, partitions: 4}\nstate: file://s\n"))
	f.Add([]byte("events: {types: {shop.opened: open}, fields: {guid: data.device.guid}}\nlimits: {devices_per_app: 5}\n"))
	f.Add([]byte("billing: &x {grace: 24h}\nkafka: *x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parse("f.yaml", "/f.yaml", data, nil)
		if err == nil {
			c.Zone()
			return
		}
		var mistake *Error
		if !errors.As(err, &mistake) || !strings.HasPrefix(err.Error(), "f.yaml") && !strings.HasPrefix(err.Error(), "/f.yaml") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %q does not name the file on one line", data, err)
		}
	})
}
