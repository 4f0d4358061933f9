package platform

// Summary is what a platform serves, and behind which walls.
type Summary struct {
	Service   string   `json:"service"` // base URL of Lambda's API
	Functions []string `json:"functions"`
	Routes    []Route  `json:"routes"`

	Isolation string   `json:"isolation"`
	Promise   string   `json:"promise"`
	NotWalled []string `json:"notWalled"`          // what the isolation does not stop here
	Stronger  []string `json:"stronger,omitempty"` // isolations that can't be had here, and why
	Network   string   `json:"network"`
}

// Summary says what the platform serves.
func (p *Platform) Summary() Summary {
	s := Summary{
		Isolation: p.isolation.Name, Promise: p.isolation.Promise, NotWalled: p.isolation.NotWalled,
		Network: string(p.cfg.Network), Service: p.doors[0].base(),
	}
	for _, missed := range p.isolation.Missed {
		s.Stronger = append(s.Stronger, missed.Isolation+": "+missed.Reason)
	}
	for _, v := range p.functions.All() {
		s.Functions = append(s.Functions, v.Name)
	}
	for _, d := range p.doors {
		for _, r := range d.routes {
			r.ExampleURL = d.base() + r.ExampleURL
			s.Routes = append(s.Routes, r)
		}
	}
	return s
}
