cwlVersion: v1.0
class: Workflow
requirements:
  ScatterFeatureRequirement: {}
inputs:
  names: string[]
outputs:
  greetings:
    type: File
    outputSource: gather/greetings
steps:
  greet:
    scatter: name
    in:
      name: names
    out: [greeting]
    run:
      class: CommandLineTool
      hints:
        DockerRequirement:
          dockerPull: docker.io/library/debian:12
      baseCommand: [echo, Hello]
      inputs:
        name:
          type: string
          inputBinding: {}
      outputs:
        greeting: stdout
  gather:
    in:
      parts: greet/greeting
    out: [greetings]
    run:
      class: CommandLineTool
      hints:
        DockerRequirement:
          dockerPull: docker.io/library/debian:12
      baseCommand: cat
      stdout: greetings.txt
      inputs:
        parts:
          type: File[]
          inputBinding: {}
      outputs:
        greetings: stdout
