package template

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
)

// assembly lists the templates of a cloud assembly, the folder that "cdk synth"
// writes (cdk.out). It is empty if dir is none.
// Source: AWS CDK API reference, cloud-assembly-schema.
func assembly(dir string) []string {
	text, err := readBounded(filepath.Join(dir, "manifest.json"), MaxBytes)
	if err != nil {
		return nil
	}
	var manifest struct {
		Artifacts map[string]struct {
			Type       string `json:"type"`
			Properties struct {
				TemplateFile string `json:"templateFile"`
			} `json:"properties"`
		} `json:"artifacts"`
	}
	if json.Unmarshal(text, &manifest) != nil {
		return nil
	}
	var templates []string
	for _, a := range manifest.Artifacts {
		if a.Type != "aws:cloudformation:stack" || !filepath.IsLocal(a.Properties.TemplateFile) {
			continue
		}
		file := filepath.Join(dir, a.Properties.TemplateFile)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			templates = append(templates, file)
		}
	}
	slices.Sort(templates)
	return templates
}
