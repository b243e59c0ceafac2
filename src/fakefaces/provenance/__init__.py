"""Where models and photographs come from: signatures of models, Content Credentials of photographs."""
