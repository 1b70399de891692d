package site

import "headcount/events"

// TemplateRules is a rulebook in memory: what the configuration would fix. For looks at records that are not counted.
type TemplateRules struct {
	template *events.Template
	topic    *events.TopicRules
	months   map[events.Month]*events.MonthRules
}

// NewTemplateRules returns the rulebook of a template.
func NewTemplateRules(t *events.Template) *TemplateRules {
	return &TemplateRules{t, t.Topic(), map[events.Month]*events.MonthRules{}}
}

// TopicRules implements events.Rulebook.
func (r *TemplateRules) TopicRules() *events.TopicRules { return r.topic }

// MonthRules implements events.Rulebook.
func (r *TemplateRules) MonthRules(m events.Month) (*events.MonthRules, error) {
	if rules := r.months[m]; rules != nil {
		return rules, nil
	}
	rules, err := r.template.Month(m)
	if err == nil {
		r.months[m] = rules
	}
	return rules, err
}
