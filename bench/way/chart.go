package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
)

// drawing is an SVG picture that is readable on a light and on a dark page.
type drawing struct{ bytes.Buffer }

func newDrawing(width, height int, title string) *drawing {
	d := &drawing{}
	fmt.Fprintf(d, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" role="img" font-family="system-ui, sans-serif" font-size="13">
<style>text{fill:#24292f}.soft{fill:#6e7781}.us{fill:#1f883d}.peer{fill:#8c959f}.grid{stroke:#8c959f;stroke-opacity:.35}.line{stroke:#1f883d;fill:none;stroke-width:2}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.soft{fill:#9198a1}}</style>
`, width, height)
	fmt.Fprintf(d, "<title>%s</title>\n", escape(title))
	return d
}

func (d *drawing) text(x, y float64, class, anchor, s string) {
	fmt.Fprintf(d, `<text x="%.1f" y="%.1f" class="%s" text-anchor="%s">%s</text>`+"\n", x, y, class, anchor, escape(s))
}

func (d *drawing) end() []byte {
	d.WriteString("</svg>\n")
	return d.Bytes()
}

func escape(s string) string {
	var b bytes.Buffer
	xml.EscapeText(&b, []byte(s)) // a buffer takes all
	return b.String()
}

// chart draws the CPU per event of each program as bars from zero.
func (r *report) chart() []byte {
	const left, width, row, top = 325.0, 320.0, 28.0, 52.0
	d := newDrawing(760, int(top+row*float64(len(r.Results))+30), "CPU per event, by program")
	d.text(12, 22, "", "start", "Nanoseconds of CPU per event, Kafka to exact count")
	d.text(12, 40, "soft", "start", r.Topic.String())
	most := 0.0
	for _, x := range r.Results {
		most = max(most, x.CPUPerEvent)
	}
	for i, x := range r.Results {
		y := top + row*float64(i)
		class := "peer"
		if x.Program == "headcount" {
			class = "us"
		}
		long := width * x.CPUPerEvent / most
		d.text(left-10, y+17, "", "end", plain(x.Title))
		fmt.Fprintf(d, `<rect x="%.0f" y="%.1f" width="%.1f" height="18" class="%s"/>`+"\n", left, y+4, long, class)
		d.text(left+long+8, y+17, "", "start", fmt.Sprintf("%s (×%.1f)", thousands(x.CPUPerEvent), x.Ratio))
	}
	d.text(12, top+row*float64(len(r.Results))+20, "soft", "start", r.Machine.String()+"; broker left out")
	return d.end()
}

// plain leaves out what marks code.
func plain(s string) string { return string(bytes.ReplaceAll([]byte(s), []byte("`"), nil)) }

// chart draws a curve: CPU per event from zero, over points that lie equally far apart.
func (c *curve) chart() []byte {
	const left, right, top, bottom = 64.0, 740.0, 60.0, 260.0
	d := newDrawing(760, 310, "CPU per event, by "+c.Name)
	d.text(12, 22, "", "start", "Nanoseconds of CPU per event, by "+c.Name)
	d.text(12, 40, "soft", "start", c.About)
	most := 0.0
	for _, p := range c.Points {
		most = max(most, p.CPUPerEvent)
	}
	step := roundStep(most / 4)
	ceiling := math.Ceil(most/step) * step
	y := func(v float64) float64 { return bottom - (bottom-top)*v/ceiling }
	for v := 0.0; v <= ceiling; v += step {
		fmt.Fprintf(d, `<line x1="%.0f" x2="%.0f" y1="%.1f" y2="%[3]f" class="grid"/>`+"\n", left, right, y(v))
		d.text(left-8, y(v)+4, "soft", "end", thousands(v))
	}
	var path string
	for i, p := range c.Points {
		x := left + (right-left)*(float64(i)+0.5)/float64(len(c.Points))
		verb := "L"
		if i == 0 {
			verb = "M"
		}
		path += fmt.Sprintf("%s%.1f %.1f", verb, x, y(p.CPUPerEvent))
		fmt.Fprintf(d, `<circle cx="%.1f" cy="%.1f" r="4" class="us"/>`+"\n", x, y(p.CPUPerEvent))
		d.text(x, y(p.CPUPerEvent)-10, "", "middle", thousands(p.CPUPerEvent))
		d.text(x, bottom+20, "soft", "middle", p.X)
	}
	fmt.Fprintf(d, `<path d="%s" class="line"/>`+"\n", path)
	d.text((left+right)/2, bottom+40, "soft", "middle", c.Name)
	return d.end()
}

// roundStep returns the next 1, 2 or 5 times a power of ten.
func roundStep(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if v <= m*power {
			return m * power
		}
	}
	return 10 * power
}
