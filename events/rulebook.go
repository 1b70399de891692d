package events

// Rulebook returns a rulebook in memory, of what the template would fix: for looks at records that are not counted.
func (t *Template) Rulebook() Rulebook {
	return &templateRules{t, t.Topic(), map[Month]*MonthRules{}}
}

type templateRules struct {
	template *Template
	topic    *TopicRules
	months   map[Month]*MonthRules
}

func (r *templateRules) TopicRules() *TopicRules { return r.topic }

func (r *templateRules) Foreseen(m Month) (*MonthRules, error) { return r.MonthRules(m) }

func (r *templateRules) MonthRules(m Month) (*MonthRules, error) {
	if rules := r.months[m]; rules != nil {
		return rules, nil
	}
	rules, err := r.template.Month(m)
	if err == nil {
		r.months[m] = rules
	}
	return rules, err
}
