package zoneinfo

import (
	"fmt"
	"strconv"
	"strings"
)

// SignHint says of a name such as Etc/GMT+8 which clock it means: its sign is the other way round than people write it. Empty: the name
// has no such sign.
func SignHint(name string) string {
	hours, err := strconv.Atoi(strings.TrimPrefix(strings.TrimPrefix(name, "Etc/"), "GMT"))
	if err != nil || hours == 0 || !strings.HasPrefix(strings.TrimPrefix(name, "Etc/"), "GMT") {
		return ""
	}
	side := map[bool]string{true: "behind", false: "ahead of"}[hours > 0]
	return fmt.Sprintf("%s is %d h %s UTC (UTC%+03d:00): its sign is the other way round than people write it; for UTC%+03d:00 name Etc/GMT%+d, or better a place such as Asia/Shanghai",
		name, max(hours, -hours), side, -hours, hours, -hours)
}
