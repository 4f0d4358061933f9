package template

import "github.com/berthdev/berth/internal/api"

// serverlessURL reads the FunctionUrlConfig of an AWS::Serverless::Function.
// Source: AWS SAM developer guide, sam-property-function-functionurlconfig.
func (m *maker) serverlessURL(o object, f *Function) {
	c, ok := o.object("FunctionUrlConfig", "FunctionUrlConfig")
	if !ok {
		return
	}
	c.check(map[string]support{"AuthType": reads, "Cors": reads, "InvokeMode": reads})
	m.functionURL(c, f.Version.Name, "")
}

// plainURL reads an AWS::Lambda::Url.
// Source: AWS CloudFormation template reference, aws-resource-lambda-url.
func (m *maker) plainURL(r *resource) {
	o, ok := m.object(r.properties, "a function URL")
	if !ok {
		return
	}
	o.check(map[string]support{"AuthType": reads, "Cors": reads, "InvokeMode": reads, "Qualifier": reads, "TargetFunctionArn": reads})
	o.require("TargetFunctionArn", "TargetFunctionArn: !GetAtt Function.Arn")
	target, ok := o.text("TargetFunctionArn")
	if !ok {
		return
	}
	at := o.get("TargetFunctionArn")
	if functionName.MatchString(target) {
		target = m.arn("lambda", "function:"+target)
	}
	function, ok := m.functionOf(at, target)
	if !ok {
		return
	}
	if m.isolated(function) {
		m.refuse(at, "a function URL", frontFix)
		return
	}
	qualifier, _ := o.text("Qualifier")
	m.functionURL(o, function, qualifier)
}

// functionURL reads what both forms have in common.
func (m *maker) functionURL(o object, function, qualifier string) {
	o.require("AuthType", "AuthType: NONE")
	kind, _ := o.choice("AuthType", "NONE", "AWS_IAM")
	mode, _ := o.choice("InvokeMode", "BUFFERED", "RESPONSE_STREAM")
	u := &api.FunctionURL{Function: function, Qualifier: qualifier, IAM: kind == "AWS_IAM", Stream: mode == "RESPONSE_STREAM"}
	if c, ok := o.object("Cors", "Cors"); ok {
		u.CORS = m.cors(c, corsInResource)
	}
	m.template.URLs = append(m.template.URLs, u)
}
